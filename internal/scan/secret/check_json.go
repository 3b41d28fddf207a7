package secret

import (
	"encoding/json"
	"strings"
)

// jsonToken returns the check of a token that is, or has in it, an object of
// JSON in base64. It must have the members.
func jsonToken(members ...string) check {
	return func(c candidate) verdict {
		_, body, found := strings.Cut(c.value, "eyJ")
		object, ok := jsonObject("eyJ" + body)
		if !found || !ok {
			return invalid
		}
		for _, name := range members {
			if text, isText := object[name].(string); object[name] == nil || isText && text == "" {
				return invalid
			}
		}
		return valid
	}
}

// jsonObject decodes the object that s begins with, in base64 up to the first dot.
func jsonObject(s string) (object map[string]any, ok bool) {
	s, _, _ = strings.Cut(s, ".")
	data, ok := decodeBase64(s)
	if !ok || json.Unmarshal(data, &object) != nil {
		return nil, false
	}
	return object, true
}

// jsonWebToken checks a JSON Web Token, wherever in the value it begins: two
// objects, the first of which names an algorithm, and a signature unless that is "none".
func jsonWebToken(c candidate) verdict {
	header, _, signature, ok := parseJWT(c.value)
	algorithm, _ := header["alg"].(string)
	if !ok || algorithm == "" || signature == "" && !strings.EqualFold(algorithm, "none") {
		return invalid
	}
	return valid
}

// parseJWT parses the JSON Web Token in value. It does not look at the signature.
func parseJWT(value string) (header, payload map[string]any, signature string, ok bool) {
	_, body, found := strings.Cut(value, "eyJ")
	parts := strings.Split("eyJ"+body, ".")
	if !found || len(parts) != 3 {
		return nil, nil, "", false
	}
	header, ok = jsonObject(parts[0])
	if ok {
		payload, ok = jsonObject(parts[1])
	}
	return header, payload, parts[2], ok
}

// supabaseServiceRole checks the old service key of a project of Supabase. The
// key of role "anon" has the same shape and is made to be public.
// https://supabase.com/docs/guides/api/api-keys
func supabaseServiceRole(c candidate) verdict {
	_, payload, _, ok := parseJWT(c.value)
	return proof(ok && jsonWebToken(c) == valid && payload["iss"] == "supabase" && payload["role"] == "service_role")
}

// privateJWK checks the private member of a JSON Web Key.
// https://www.rfc-editor.org/rfc/rfc7517
func privateJWK(c candidate) verdict {
	data, ok := decodeBase64(c.value)
	return shape(ok && len(data) >= 32)
}
