package kefu

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"time"
)

func Token(id, name string) (string, error) {
	secret := os.Getenv("KEFU_SECRET")
	if secret == "" {
		return "", errors.New("KEFU_SECRET is not set")
	}
	encode := base64.RawURLEncoding.EncodeToString
	claims, err := json.Marshal(map[string]any{"aud": "KEY", "sub": id, "name": name, "exp": time.Now().Unix() + 3000})
	if err != nil {
		return "", err
	}
	signed := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode(claims)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return signed + "." + encode(mac.Sum(nil)), nil
}
