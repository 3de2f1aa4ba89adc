package dynamodb

import (
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// decimal is digits times ten to the power of exponent.
type decimal struct {
	digits   *big.Int
	exponent int
}

var numberForm = regexp.MustCompile(`^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,5}))?$`)

// canonical is a number in its shortest form without an exponent, as DynamoDB gives it back.
//
// AWS: 38 significant digits, magnitudes from 1E-130 to 9.99E+125.
func canonical(text string) (string, error) {
	parts := numberForm.FindStringSubmatch(text)
	if parts == nil || parts[2]+parts[3] == "" {
		return "", invalid("The parameter cannot be converted to a numeric value: %s", text)
	}
	exponent, _ := strconv.Atoi(parts[4]) // digits, or nothing
	exponent -= len(parts[3])
	digits := strings.TrimLeft(parts[2]+parts[3], "0")
	trimmed := strings.TrimRight(digits, "0")
	exponent += len(digits) - len(trimmed)
	magnitude := len(trimmed) + exponent - 1
	switch {
	case trimmed == "":
		return "0", nil
	case len(trimmed) > 38:
		return "", invalid("Attempting to store more than 38 significant digits in a Number")
	case magnitude > 125:
		return "", invalid("Number overflow. Attempting to store a number with magnitude larger than supported range")
	case magnitude < -130:
		return "", invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
	}
	return strings.TrimPrefix(parts[1], "+") + plain(trimmed, exponent), nil
}

// plain writes digits times ten to the power of exponent without an exponent.
func plain(digits string, exponent int) string {
	switch {
	case exponent >= 0:
		return digits + strings.Repeat("0", exponent)
	case -exponent >= len(digits):
		return "0." + strings.Repeat("0", -exponent-len(digits)) + digits
	default:
		return digits[:len(digits)+exponent] + "." + digits[len(digits)+exponent:]
	}
}

// parse reads a canonical number.
func parse(text string) decimal {
	whole, fraction, _ := strings.Cut(text, ".")
	digits, _ := new(big.Int).SetString(whole+fraction, 10)
	return decimal{digits, -len(fraction)}
}

// at returns the digits for a lower exponent.
func (d decimal) at(exponent int) *big.Int {
	factor := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(d.exponent-exponent)), nil)
	return factor.Mul(factor, d.digits)
}

func (d decimal) compare(other decimal) int {
	exponent := min(d.exponent, other.exponent)
	return d.at(exponent).Cmp(other.at(exponent))
}

// numberSize is the size of a number in bytes: about one for two digits, and one or two more.
func numberSize(text string) int {
	digits := strings.Trim(strings.ReplaceAll(strings.TrimPrefix(text, "-"), ".", ""), "0")
	size := (len(digits)+1)/2 + 1
	if strings.HasPrefix(text, "-") {
		size++
	}
	return size
}
