package drift

import (
	"fmt"

	"postern/internal/connection"
)

// answer is ok, or drift with its detail.
func answer(check connection.DriftCheck, ok bool, format string, args ...any) connection.DriftAnswer {
	if ok {
		return connection.DriftAnswer{Check: check, Result: connection.DriftOK}
	}
	return connection.DriftAnswer{Check: check, Result: connection.DriftFound, Detail: fmt.Sprintf(format, args...)}
}

// forHands marks drift that needs manual repair.
func forHands(hands bool, answers ...connection.DriftAnswer) []connection.DriftAnswer {
	for i := range answers {
		answers[i].ForHands = hands && answers[i].Result == connection.DriftFound
	}
	return answers
}

// unknown answers checks whose read failed.
func unknown(err error, checks ...connection.DriftCheck) []connection.DriftAnswer {
	var answers []connection.DriftAnswer
	for _, check := range checks {
		answers = append(answers, connection.DriftAnswer{Check: check, Result: connection.DriftUnknown, Detail: err.Error()})
	}
	return answers
}
