package rpc

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// What a page may send and read, as the three protocols need it, and how many seconds a browser may remember that.
const (
	corsMethods  = "GET, POST"
	corsHeaders  = "Authorization, Content-Type, Connect-Protocol-Version, Connect-Timeout-Ms, Grpc-Timeout, X-Grpc-Web, X-User-Agent"
	corsExposed  = "Grpc-Status, Grpc-Message, Grpc-Status-Details-Bin"
	corsRemember = "7200"
)

// cors lets pages of some web sites call, and refuses those of all others.
type cors struct {
	origins []string
}

func newCORS(origins []string) *cors { return &cors{origins: origins} }

// checkOrigin fails unless the text is an origin as browsers send it.
func checkOrigin(origin string) error {
	u, err := url.Parse(origin)
	if err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && origin == strings.ToLower(u.Scheme+"://"+u.Host) {
		return nil
	}
	return fmt.Errorf("rpc: origin %q is not one: write it as https://till.example or http://localhost:5173, without a path", origin)
}

// around answers a browser's question whether a page may call, and refuses pages that may not. Callers without an origin are no browsers.
func (c *cors) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		origin := request.Header.Get("Origin")
		if origin == "" {
			next.ServeHTTP(response, request)
			return
		}
		header := response.Header()
		header.Add("Vary", "Origin")
		if !slices.Contains(c.origins, origin) {
			http.Error(response, "pages of "+origin+" may not call this server: its --origin does not name them", http.StatusForbidden)
			return
		}
		header.Set("Access-Control-Allow-Origin", origin)
		if request.Method != http.MethodOptions {
			header.Set("Access-Control-Expose-Headers", corsExposed)
			next.ServeHTTP(response, request)
			return
		}
		header.Set("Access-Control-Allow-Methods", corsMethods)
		header.Set("Access-Control-Allow-Headers", corsHeaders)
		header.Set("Access-Control-Max-Age", corsRemember)
		if request.Header.Get("Access-Control-Request-Private-Network") == "true" { // a page from the internet, a server in the shop
			header.Set("Access-Control-Allow-Private-Network", "true")
		}
		response.WriteHeader(http.StatusNoContent)
	})
}
