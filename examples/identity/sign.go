package kefu

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"os"
	"time"
)

func Token(id, name string) (string, error) {
	encode := base64.RawURLEncoding.EncodeToString
	claims, err := json.Marshal(map[string]any{"aud": "KEY", "sub": id, "name": name, "exp": time.Now().Unix() + 600})
	if err != nil {
		return "", err
	}
	signed := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode(claims)
	mac := hmac.New(sha256.New, []byte(os.Getenv("KEFU_SECRET")))
	mac.Write([]byte(signed))
	return signed + "." + encode(mac.Sum(nil)), nil
}
