package main_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// tenCalls is what every client in docs/clients tells of its ten calls, whatever language it is written in.
var tenCalls = []string{
	"GetStatus s01",
	"PresentCard PRESENT_RESULT_KEPT",
	"Lookup OUTCOME_FOUND 1245",
	"Lookup OUTCOME_FOUND 39",
	"Explain OUTCOME_FOUND",
	"RecordReceipt 39 false",
	"RecordReceipt 39 true",
	"SetPreference true",
	"SubmitDetails failedprecondition",
	"ClaimReceipt CLAIM_RESULT_UNKNOWN_RECEIPT",
}

// root is the folder of the sources.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// needs skips the test unless all programs are there, and names what is missing.
func needs(t *testing.T, what string, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s: no %s on this machine", what, program)
		}
	}
}

// sayTen expects the ten lines, with gRPC's and Connect's ways to write a code taken for the same.
func sayTen(t *testing.T, out string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for i, line := range lines {
		if code, ok := strings.CutPrefix(line, "SubmitDetails "); ok {
			lines[i] = "SubmitDetails " + strings.ToLower(strings.ReplaceAll(code, "_", ""))
		}
	}
	if !slices.Equal(lines, tenCalls) {
		t.Errorf("the ten calls told\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(tenCalls, "\n"))
	}
}

// tryWeb starts a practice store; environment is what a client needs of it, web where it answers JSON and gRPC-Web.
func tryWeb(t *testing.T, flags ...string) (environment []string, web, token string) {
	t.Helper()
	p := start(t, "stamklant-store", append([]string{"try", "--listen", "127.0.0.1:0", "--accounts", "50"}, flags...)...)
	eventually(t, "the store says how to call it", func() bool {
		at, with := printedWeb.FindStringSubmatch(p.text()), printedToken.FindStringSubmatch(p.text())
		if at == nil || with == nil {
			return false
		}
		web, token = at[1], with[1]
		return true
	})
	return append(os.Environ(), "STAMKLANT_ADDRESS="+p.addr, "STAMKLANT_TOKEN="+token), web, token
}

var printedWeb = regexp.MustCompile(`(http://127\.0\.0\.1:[0-9]+)/stamklant`)

// runs runs a program of a client and returns what it printed.
func runs(t *testing.T, dir string, environment []string, program string, args ...string) string {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env = dir, environment
	out, err := cmd.Output()
	if err != nil {
		stderr := ""
		if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // Output returns it as it is
			stderr = string(exit.Stderr)
		}
		t.Fatalf("%s %s: %v\n%.2000s%.2000s", program, strings.Join(args, " "), err, out, stderr)
	}
	return string(out)
}

// protos are what a client needs stubs of.
var protos = []string{
	"stamklant/till/v1/checkout.proto", "stamklant/outcome/v1/outcome.proto", "stamklant/programme/v1/campaign.proto",
	"stamklant/programme/v1/options.proto", "buf/validate/validate.proto",
}

// stubs has protoc write them; plugin is how protoc is told what to write.
func stubs(t *testing.T, plugin ...string) string {
	t.Helper()
	if !exists("/usr/include/google/protobuf/timestamp.proto") {
		t.Skip("stubs: apt-get install libprotobuf-dev")
	}
	dir := t.TempDir()
	args := []string{"-I", filepath.Join(root(t), "api"), "-I", filepath.Join(root(t), "api/third_party/protovalidate")}
	for _, arg := range plugin {
		args = append(args, strings.ReplaceAll(arg, "DIR", dir))
	}
	runs(t, dir, os.Environ(), "protoc", append(args, protos...)...)
	return dir
}

func TestClientGo(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "tencalls")
	runs(t, root(t), os.Environ(), "go", "build", "-o", program, "./docs/clients/go")
	environment, _, _ := tryWeb(t)
	sayTen(t, runs(t, root(t), environment, program))
}

func TestClientPython(t *testing.T) {
	t.Parallel()
	const python = "/usr/bin/python3" // Debian's own, which has Debian's packages
	needs(t, "the Python client", python, "protoc", "grpc_python_plugin")
	if out, err := exec.Command(python, "-c", "import grpc, google.protobuf").CombinedOutput(); err != nil {
		t.Skipf("the Python client: apt-get install python3-grpcio python3-protobuf: %s", out)
	}
	plugin, err := exec.LookPath("grpc_python_plugin")
	if err != nil {
		t.Fatal(err)
	}
	dir := stubs(t, "--python_out=DIR", "--grpc_python_out=DIR", "--plugin=protoc-gen-grpc_python="+plugin)
	environment, _, _ := tryWeb(t)
	sayTen(t, runs(t, dir, append(environment, "PYTHONPATH="+dir, "PYTHONDONTWRITEBYTECODE=1"), python, filepath.Join(root(t), "docs/clients/python/ten_calls.py")))
}

// Compiled against Debian's grpc-java; run where perfmark is, which Debian leaves out.
func TestClientJava(t *testing.T) {
	t.Parallel()
	needs(t, "the Java client", "java", "javac", "protoc", "grpc_java_plugin")
	for jar, name := range map[string]string{
		"grpc-netty": "libgrpc-java", "protobuf": "libprotobuf-java", "guava": "libguava-java", "geronimo-annotation-1.3-spec": "libgeronimo-annotation-1.3-spec-java",
	} {
		if !exists("/usr/share/java/" + jar + ".jar") {
			t.Skipf("the Java client: apt-get install %s", name)
		}
	}
	classes, err := filepath.Glob("/usr/share/java/[a-z]*.jar")
	if err != nil {
		t.Fatal(err)
	}
	needed := slices.DeleteFunc(classes, func(jar string) bool { return !jarsOfJava.MatchString(jar) })
	plugin, err := exec.LookPath("grpc_java_plugin")
	if err != nil {
		t.Fatal(err)
	}
	dir := stubs(t, "--java_out=DIR", "--grpc-java_out=DIR", "--plugin=protoc-gen-grpc-java="+plugin)
	path := strings.Join(append(needed, dir), ":")
	runs(t, dir, os.Environ(), "javac", "-J-XX:TieredStopAtLevel=1", "-nowarn", "-proc:none", "-cp", path, "-sourcepath", dir, "-d", dir,
		filepath.Join(root(t), "docs/clients/java/TenCalls.java"))
	if !strings.Contains(path, "perfmark") {
		t.Log("compiled, not run: no perfmark-api.jar on this machine")
		return
	}
	environment, _, _ := tryWeb(t)
	sayTen(t, runs(t, dir, environment, "java", "-cp", path, "TenCalls"))
}

// What grpc-java needs to call in plain text.
var jarsOfJava = regexp.MustCompile(`/(grpc-[a-z-]+|protobuf|guava|failureaccess|netty-[a-z0-9-]*[a-z2]|perfmark-api|opencensus[a-z-]*|jsr305|gson|geronimo-annotation-1.3-spec|error_prone_annotations)\.jar$`)

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestClientCSharp(t *testing.T) {
	t.Parallel()
	needs(t, "the C# client is not compiled here", "dotnet")
	dir := t.TempDir()
	source := filepath.Join(root(t), "docs/clients/csharp")
	environment, _, _ := tryWeb(t)
	if out, err := exec.Command("dotnet", "build", source, "--output", dir, "--property:BaseIntermediateOutputPath="+dir+"/obj/").CombinedOutput(); err != nil {
		if strings.Contains(string(out), "NU1301") {
			t.Skipf("the C# client: the packages it names cannot be fetched: %.300s", out)
		}
		t.Fatalf("dotnet build: %v\n%s", err, out)
	}
	sayTen(t, runs(t, dir, environment, filepath.Join(dir, "TenCalls")))
}

// In a browser, over JSON and over gRPC-Web, from a page of another origin that the store was told of.
func TestClientBrowser(t *testing.T) {
	t.Parallel()
	needs(t, "the browser's client", "chromium", "protoc", "node")
	modules := filepath.Join(root(t), ".tools/node_modules")
	for _, module := range []string{".bin/esbuild", ".bin/protoc-gen-es", "@connectrpc/connect-web"} {
		if !exists(filepath.Join(modules, module)) {
			t.Skipf("the browser's client: no %s: npm --prefix .tools ci", module)
		}
	}
	dir := stubs(t, "--es_out=DIR", "--es_opt=target=ts", "--plugin=protoc-gen-es="+filepath.Join(modules, ".bin/protoc-gen-es"))
	source, err := os.ReadFile(filepath.Join(root(t), "docs/clients/typescript/ten_calls.ts"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "ten_calls.ts"), string(source))
	environment := append(os.Environ(), "NODE_PATH="+modules)
	runs(t, dir, environment, filepath.Join(modules, ".bin/esbuild"), "ten_calls.ts", "--bundle", "--format=iife", "--target=es2022", "--outfile=till.js", "--log-level=error")
	write(t, filepath.Join(dir, "till.html"), pageOfTill)
	for _, protocol := range []string{"connect", "grpc-web"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			told, page := make(chan string, 1), http.NewServeMux()
			ended := make(chan struct{})
			page.Handle("/", http.FileServer(http.Dir(dir)))
			page.HandleFunc("POST /told", func(_ http.ResponseWriter, r *http.Request) {
				text, _ := io.ReadAll(r.Body) // what was cut off is not what the calls tell
				told <- string(text)
				close(ended)
			})
			page.HandleFunc("GET /wait", func(_ http.ResponseWriter, r *http.Request) {
				select { // the page is not loaded before its calls have ended
				case <-ended:
				case <-r.Context().Done():
				}
			})
			server := httptest.NewServer(page)
			t.Cleanup(server.Close)
			_, web, token := tryWeb(t, "--origin", server.URL)
			query := url.Values{"store": {web}, "token": {token}, "protocol": {protocol}}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			browser := exec.CommandContext(ctx, "chromium", append(quietly(t), "--dump-dom", server.URL+"/till.html?"+query.Encode())...)
			if out, err := browser.Output(); err != nil {
				t.Fatalf("chromium: %v\n%.500s", err, out)
			}
			select {
			case text := <-told:
				sayTen(t, text)
			default:
				t.Error("the page tells nothing")
			}
		})
	}
}

// pageOfTill is the page that the browser's client runs in.
const pageOfTill = `<!doctype html><meta charset="utf-8"><title>Till</title><body><img src="wait"><script>
new MutationObserver(() => {
  const told = document.getElementById("told")
  if (told) fetch("told", {method: "POST", body: told.textContent})
}).observe(document.body, {childList: true})
</script><script src="till.js"></script></body>`

// The calls on the page for integrators, as they stand there: each is answered as the page says.
func TestPageForIntegrators(t *testing.T) {
	t.Parallel()
	needs(t, "the calls of docs/integrating-a-till.md", "bash", "curl")
	text, err := os.ReadFile(filepath.Join(root(t), "docs/integrating-a-till.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, web, token := tryWeb(t)
	environment := append(os.Environ(), "STORE="+strings.TrimPrefix(web, "http://"), "TOKEN="+token)
	calls := callsOn(string(text))
	if len(calls) < 11 {
		t.Fatalf("only %d calls on the page", len(calls))
	}
	common := calls[0].run
	for _, call := range calls[1:] {
		run := strings.ReplaceAll(call.run, "2027-01-05", time.Now().Format(time.DateOnly))
		cmd := exec.Command("bash", "-euo", "pipefail", "-c", common+"\n"+run)
		cmd.Env = environment
		out, err := cmd.CombinedOutput()
		if err != nil && !strings.Contains(call.answer, `"code"`) {
			t.Fatalf("%s\n%v\n%s", call.run, err, out)
		}
		holds(t, call.run, string(out), call.answer)
	}
}

// pageCall is a call on a page and what the page says is answered.
type pageCall struct{ run, answer string }

// callsOn finds the calls of a page: a block of shell, and the block of JSON after it.
func callsOn(page string) []pageCall {
	var calls []pageCall
	for _, m := range fenced.FindAllStringSubmatch(page, -1) {
		switch {
		case m[1] == "sh":
			calls = append(calls, pageCall{run: m[2]})
		case m[1] == "json" && len(calls) > 0:
			calls[len(calls)-1].answer = m[2]
		}
	}
	return calls
}

var fenced = regexp.MustCompile("(?s)```(\\w+)\n(.*?)```")

// holds expects an answer to have all that another has, and perhaps more.
func holds(t *testing.T, what, out, want string) {
	t.Helper()
	var got, wanted any
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Errorf("%s\nanswers no JSON: %v\n%s", what, err, out)
		return
	}
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Errorf("the page's answer is no JSON: %v\n%s", err, want)
		return
	}
	if !includes(got, wanted) {
		t.Errorf("%s\nis answered\n%s\nthe page says\n%s", what, out, want)
	}
}

// includes reports whether all of want is in got; of lists, in order.
func includes(got, want any) bool {
	switch want := want.(type) {
	case map[string]any:
		has, ok := got.(map[string]any)
		for key := range want {
			ok = ok && includes(has[key], want[key])
		}
		return ok
	case []any:
		has, ok := got.([]any)
		ok = ok && len(has) >= len(want)
		for i := range want {
			ok = ok && includes(has[i], want[i])
		}
		return ok
	default:
		return got == want
	}
}

// Every reason with which a call can be refused stands on the page for integrators.
func TestPageNamesEveryReason(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(root(t), "docs/integrating-a-till.md"))
	if err != nil {
		t.Fatal(err)
	}
	reasons := 0
	for _, file := range []string{"internal/instore/till/errors.go", "internal/rpc/refuse.go"} {
		source, err := os.ReadFile(filepath.Join(root(t), file))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range reasonIn.FindAllStringSubmatch(string(source), -1) {
			reasons++
			if !strings.Contains(string(page), "`"+m[1]+"`") {
				t.Errorf("docs/integrating-a-till.md does not name %s (%s)", m[1], file)
			}
		}
	}
	if reasons < 15 {
		t.Errorf("only %d reasons were found in the sources", reasons)
	}
}

var reasonIn = regexp.MustCompile(`(?:Reason\w+ = |codes\.\w+, )"([A-Z_]+)"`)
