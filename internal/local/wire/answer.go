package wire

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
)

// fail is an error in a protocol's own form.
func fail(protocol Protocol, requestID string, err *Error) *answer {
	status := err.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	a := &answer{status: status, protocol: protocol, requestID: requestID}
	switch protocol {
	case EC2Query:
		const form = "%s<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors>" +
			"<RequestID>%s</RequestID></Response>"
		a.body = fmt.Appendf(nil, form, xml.Header, escape(err.Code), escape(err.Message), requestID)
	case Query, RESTXML:
		kind := "Sender"
		if status >= http.StatusInternalServerError {
			kind = "Receiver"
		}
		const form = "%s<ErrorResponse><Error><Type>%s</Type><Code>%s</Code><Message>%s</Message></Error>" +
			"<RequestId>%s</RequestId></ErrorResponse>"
		a.body = fmt.Appendf(nil, form, xml.Header, kind, escape(err.Code), escape(err.Message), requestID)
	default:
		members := map[string]any{"__type": err.Code, "message": err.Message}
		for name, value := range err.Members {
			members[name] = value
		}
		a.body, _ = json.Marshal(members) // maps of strings and numbers always encode
		if protocol == RESTJSON {
			a.extra = http.Header{"X-Amzn-Errortype": {err.Code}}
		}
	}
	return a
}

func escape(text string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(text)) // a bytes.Buffer never fails
	return b.String()
}

// header is the header of an answer.
func (a *answer) header() http.Header {
	contentType := "text/xml;charset=UTF-8"
	switch a.protocol {
	case RESTJSON:
		contentType = "application/json"
	case JSON10:
		contentType = "application/x-amz-json-1.0"
	case JSON11:
		contentType = "application/x-amz-json-1.1"
	}
	header := http.Header{"Content-Type": {contentType}, "X-Amzn-Requestid": {a.requestID}}
	maps.Copy(header, a.extra)
	return header
}

func (a *answer) write(w http.ResponseWriter) {
	for name, values := range a.header() {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a caller that went away loses its answer, as it would on AWS
}
