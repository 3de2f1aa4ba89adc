package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"postern/internal/local/apigateway"
	"postern/internal/local/template"
)

// Post sends a request to the stack's HTTP API, from outside.
func (c *Cloud) Post(path string, header http.Header, body []byte) apigateway.Response {
	c.setOrigin(OriginOutside)
	return c.Door.Post(path, header, body)
}

// Invoke runs a function by hand, as an operator does.
func (c *Cloud) Invoke(name string, payload []byte) ([]byte, error) {
	c.setOrigin(OriginOutside)
	f, err := c.function(name)
	if err != nil {
		return nil, err
	}
	result := c.run(f, payload)
	if result.ErrorType != "" {
		return nil, fmt.Errorf("%s: %s", result.ErrorType, result.Payload)
	}
	return result.Payload, nil
}

// invokeFromDoor runs a function for API Gateway, which only the function's policy can allow.
func (c *Cloud) invokeFromDoor(function, sourceARN string, payload []byte) ([]byte, error) {
	f, err := c.function(function)
	if err == nil {
		err = c.asService("apigateway.amazonaws.com", "lambda:InvokeFunction", f.arn, sourceARN)
	}
	if err != nil {
		c.drop("request to "+function, err)
		return nil, err
	}
	result := c.run(f, payload)
	if result.ErrorType != "" {
		return nil, fmt.Errorf("%s: %s", result.ErrorType, result.Payload)
	}
	return result.Payload, nil
}

// deployRoute makes a route that calls a function.
func (c *Cloud) deployRoute(p *template.APIRoute) error {
	if p.AuthorizationType != "NONE" && p.AuthorizationType != "" {
		return fmt.Errorf("routes that authorize by %s are not simulated", p.AuthorizationType)
	}
	for _, integration := range template.All[template.APIIntegration](c.Stack) {
		if "integrations/"+integration.Ref != p.Target {
			continue
		}
		i := integration.Properties
		if i.IntegrationType != "AWS_PROXY" || i.PayloadFormatVersion != "2.0" {
			return fmt.Errorf("integrations of type %s with payload format %s are not simulated",
				i.IntegrationType, i.PayloadFormatVersion)
		}
		if _, err := c.function(i.IntegrationUri); err != nil {
			return err
		}
		return c.Door.AddRoute(apigateway.Route{APIID: p.ApiId, Key: p.RouteKey, Function: i.IntegrationUri})
	}
	return fmt.Errorf("the route %s leads nowhere", p.RouteKey)
}

func (c *Cloud) deployStage(p *template.APIStage) error {
	if p.StageName != "$default" || !p.AutoDeploy {
		return errors.New("only the stage $default is known here, deployed by itself")
	}
	var settings struct{ ThrottlingRateLimit, ThrottlingBurstLimit json.Number }
	raw, err := json.Marshal(p.DefaultRouteSettings)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&settings); err != nil {
		return fmt.Errorf("the settings of a stage's routes: %w", err)
	}
	rate, _ := settings.ThrottlingRateLimit.Float64()
	burst, _ := settings.ThrottlingBurstLimit.Float64()
	c.Door.AddStage(apigateway.Stage{APIID: p.ApiId, Rate: rate, Burst: burst})
	return nil
}
