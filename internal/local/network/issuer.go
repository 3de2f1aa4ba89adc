package network

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"time"

	"postern/internal/local/privatelink"
)

// The lives of certificates, around the simulated present.
const (
	issuedBefore = 30 * 24 * time.Hour
	validFor     = 335 * 24 * time.Hour
	renewBefore  = 90 * 24 * time.Hour
	authorityFor = 10 * 365 * 24 * time.Hour
)

// issuer makes the vendors' certificates. trusted is in the CA bundle, stranger is not.
type issuer struct {
	now               func() time.Time
	trusted, stranger *authority
	key               *ecdsa.PrivateKey // of every vendor: generating one each time costs and proves nothing

	mu     sync.Mutex
	serial int64
	issued map[string]tls.Certificate // by kind and names
}

// authority is a certificate authority.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         []byte
}

func newIssuer(now func() time.Time) (*issuer, error) {
	i := &issuer{now: now, serial: 2, issued: map[string]tls.Certificate{}}
	var err error
	if i.trusted, err = newAuthority("Embedded cloud CA", now()); err != nil {
		return nil, err
	}
	if i.stranger, err = newAuthority("Unknown CA", now()); err != nil {
		return nil, err
	}
	i.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return i, err
}

func newAuthority(name string, now time.Time) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-authorityFor), NotAfter: now.Add(authorityFor),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("making the certificate authority %s: %w", name, err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("making the certificate authority %s: %w", name, err)
	}
	return &authority{certificate, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}, nil
}

// expiringFor is how long a certificate lasts that the vendor forgot to renew.
const expiringFor = 10 * 24 * time.Hour

// certificate is the certificate that a vendor shows at this moment.
func (i *issuer) certificate(service privatelink.VendorService) (tls.Certificate, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	names := service.Hostnames
	if len(names) == 0 || service.Certificate == privatelink.WrongName {
		names = []string{"somebody-else.example.com"}
	}
	from, until := i.now().Add(-issuedBefore), i.now().Add(validFor)
	if service.Certificate == privatelink.ExpiredCertificate {
		from, until = from.Add(-validFor), i.now().Add(-issuedBefore)
	}
	if service.Certificate == privatelink.ExpiringCertificate {
		until = i.now().Add(expiringFor)
	}
	signer := i.trusted
	if service.Certificate == privatelink.UnknownAuthority {
		signer = i.stranger
	}
	kept := string(service.Certificate) + " " + strings.Join(names, " ")
	if known, has := i.issued[kept]; has && (service.Certificate == privatelink.ExpiredCertificate || service.Certificate == privatelink.ExpiringCertificate ||
		i.now().Before(known.Leaf.NotAfter.Add(-renewBefore))) {
		return known, nil
	}
	issued, err := i.issue(signer, names, from, until)
	if err == nil {
		i.issued[kept] = issued
	}
	return issued, err
}

func (i *issuer) issue(signer *authority, names []string, from, until time.Time) (tls.Certificate, error) {
	i.serial++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(i.serial), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names, NotBefore: from, NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signer.certificate, i.key.Public(), signer.key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("issuing a certificate for %s: %w", names[0], err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("issuing a certificate for %s: %w", names[0], err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: i.key, Leaf: leaf}, nil
}
