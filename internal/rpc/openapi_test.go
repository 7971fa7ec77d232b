package rpc_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/rpc"
)

// object is a JSON object; its keys are written in order.
type object = map[string]any

// TestOpenAPI keeps docs/openapi.json, the description of the second listener, equal to the protos, their comments and the table of who may call.
func TestOpenAPI(t *testing.T) {
	const file = "../../docs/openapi.json"
	text, err := json.MarshalIndent(openAPI(t), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	if *update {
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if there, err := os.ReadFile(file); err != nil || string(there) != string(text) {
		t.Errorf("docs/openapi.json is not what the protos say (%v): go test ./internal/rpc -run TestOpenAPI -update", err)
	}
}

// openAPI describes the methods of the second listener, as OpenAPI 3.1.
func openAPI(t *testing.T) object {
	t.Helper()
	d := &description{comments: commentsOf(t), schemas: object{"Error": errorSchema}}
	paths := object{}
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(tillv1.CheckoutService_ServiceDesc.ServiceName))
	if err != nil {
		t.Fatal(err)
	}
	service := found.(protoreflect.ServiceDescriptor)
	for i := range service.Methods().Len() {
		m := service.Methods().Get(i)
		name := "/" + string(service.FullName()) + "/" + string(m.Name())
		if row := rpc.Matrix()[name]; row.Web && !m.IsStreamingServer() {
			paths[name] = d.path(m, row.Get)
		}
	}
	return object{
		"openapi": "3.1.0",
		"info": object{
			"title": "Stamklant: what a till asks its store", "version": "v1",
			"description": "The second listener of stamklant-store (--web): JSON by POST. " + d.comments[string(service.FullName())] +
				" WatchTill streams: gRPC-Web or the Connect protocol alone. Written by `go test ./internal/rpc -run TestOpenAPI -update`.",
			"license": object{"name": "Apache-2.0"},
		},
		"servers":    []any{object{"url": "http://127.0.0.1:7402"}},
		"security":   []any{object{"token": []any{}}},
		"paths":      paths,
		"components": object{"schemas": d.schemas, "securitySchemes": object{"token": object{"type": "http", "scheme": "bearer", "description": "The till's own token, drawn with `stamklant-store enrol till`."}}},
	}
}

var errorSchema = object{
	"type":        "object",
	"description": "Why a call was refused. A business \"no\" (an unknown card, a used voucher) is an answer, not an error.",
	"properties": object{
		"code":    object{"type": "string", "description": "invalid_argument, unauthenticated, permission_denied, already_exists, failed_precondition, resource_exhausted, unavailable, …"},
		"message": object{"type": "string"},
		"details": object{"type": "array", "items": object{"type": "object", "properties": object{
			"type":  object{"type": "string", "description": "google.rpc.ErrorInfo (reason), google.rpc.BadRequest (fields), google.rpc.RetryInfo (when to try again)"},
			"value": object{"type": "string", "contentEncoding": "base64", "description": "The message in protobuf."},
			"debug": object{"type": "object", "description": "The same, to read."},
		}}},
	},
}

// description collects the schemas that are needed.
type description struct {
	comments map[string]string
	schemas  object
}

// path describes one method.
func (d *description) path(m protoreflect.MethodDescriptor, get bool) object {
	answers := object{
		"200":     object{"description": "The answer.", "content": jsonOf(d.ref(m.Output()))},
		"default": object{"description": "The call was refused.", "content": jsonOf(object{"$ref": "#/components/schemas/Error"})},
	}
	about := object{
		"operationId": string(m.Name()), "description": d.comments[string(m.FullName())], "responses": answers,
		"requestBody": object{"required": true, "content": jsonOf(d.ref(m.Input()))},
	}
	path := object{"post": about}
	if get {
		path["get"] = object{
			"operationId": string(m.Name()) + "ByGet", "description": about["description"], "responses": answers,
			"parameters": []any{
				object{"name": "connect", "in": "query", "required": true, "schema": object{"const": "v1"}},
				object{"name": "encoding", "in": "query", "required": true, "schema": object{"const": "json"}},
				object{"name": "message", "in": "query", "required": true, "content": jsonOf(d.ref(m.Input()))},
			},
		}
	}
	return path
}

func jsonOf(schema object) object { return object{"application/json": object{"schema": schema}} }

// ref returns a reference to a message's schema, which it describes the first time.
func (d *description) ref(m protoreflect.MessageDescriptor) object {
	switch m.FullName() {
	case "google.protobuf.Timestamp":
		return object{"type": "string", "format": "date-time"}
	case "google.protobuf.Duration":
		return object{"type": "string", "pattern": `^-?[0-9]+(\.[0-9]+)?s$`}
	}
	name := string(m.FullName())
	if _, ok := d.schemas[name]; !ok {
		schema := object{"type": "object", "description": d.comments[name]}
		d.schemas[name] = schema // before its fields: messages may hold themselves
		properties := object{}
		for i := range m.Fields().Len() {
			f := m.Fields().Get(i)
			properties[f.JSONName()] = d.field(f)
		}
		schema["properties"] = properties
	}
	return object{"$ref": "#/components/schemas/" + name}
}

// field describes a field.
func (d *description) field(f protoreflect.FieldDescriptor) object {
	rules := rulesOf(f)
	var schema object
	switch {
	case f.IsMap():
		schema = object{"type": "object", "additionalProperties": d.value(f.MapValue(), nil)}
	case f.IsList():
		schema = object{"type": "array", "items": d.value(f, rules.GetRepeated().GetItems())}
		bound(schema, "minItems", rules.GetRepeated().GetMinItems())
		bound(schema, "maxItems", rules.GetRepeated().GetMaxItems())
	default:
		schema = d.value(f, rules)
	}
	text := d.comments[string(f.FullName())]
	if o := f.ContainingOneof(); o != nil && !o.IsSynthetic() {
		text = strings.TrimSpace(text + " One of " + string(o.Name()) + " alone.")
	}
	if text != "" {
		schema["description"] = text
	}
	return schema
}

func rulesOf(f protoreflect.FieldDescriptor) *validate.FieldRules {
	rules, _ := proto.GetExtension(f.Options(), validate.E_Field).(*validate.FieldRules)
	return rules
}

func bound(schema object, name string, value uint64) {
	if value > 0 {
		schema[name] = value
	}
}

// value describes one value, as JSON writes it.
func (d *description) value(f protoreflect.FieldDescriptor, rules *validate.FieldRules) object {
	switch f.Kind() {
	case protoreflect.BoolKind:
		return object{"type": "boolean"}
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind, protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return object{"type": "integer"}
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind, protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return object{"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"}
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return object{"type": "number"}
	case protoreflect.BytesKind:
		return object{"type": "string", "contentEncoding": "base64"}
	case protoreflect.EnumKind:
		var values []string
		for i := range f.Enum().Values().Len() {
			values = append(values, string(f.Enum().Values().Get(i).Name()))
		}
		return object{"type": "string", "enum": values}
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return d.ref(f.Message())
	case protoreflect.StringKind:
	}
	schema := object{"type": "string"}
	text := rules.GetString()
	bound(schema, "minLength", text.GetMinLen())
	bound(schema, "maxLength", text.GetMaxLen())
	if text.GetPattern() != "" {
		schema["pattern"] = text.GetPattern()
	}
	return schema
}

// commentsOf reads the comments of all protos, by full names: what is linked into a program has none.
func commentsOf(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../../api/stamklant/*/v1/*.proto")
	if err != nil || len(files) == 0 {
		t.Fatalf("no protos: %v", err)
	}
	comments := make(map[string]string)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		readComments(string(text), comments)
	}
	return comments
}

// readComments reads one file as `buf format` leaves it: a comment stands on lines of its own above what it is about.
func readComments(text string, comments map[string]string) {
	var within []string // the names of what is open; empty for what has none, such as a oneof
	var above []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if words, ok := strings.CutPrefix(line, "//"); ok {
			above = append(above, strings.TrimSpace(words))
			continue
		}
		name := declared(line, &within)
		if name != "" && len(above) > 0 {
			comments[name] = strings.Join(above, " ")
		}
		above = nil
		switch {
		case strings.HasSuffix(line, "{"):
			within = append(within, strings.TrimPrefix(name, strings.Join(nonEmpty(within), ".")+"."))
		case strings.HasPrefix(line, "}"):
			within = within[:max(1, len(within)-1)]
		}
	}
}

// declared returns the full name of what a line declares, empty when it declares nothing that is described.
func declared(line string, within *[]string) string {
	words := strings.Fields(line)
	if len(words) < 2 {
		return ""
	}
	prefix := strings.Join(nonEmpty(*within), ".")
	switch words[0] {
	case "package":
		*within = []string{strings.TrimSuffix(words[1], ";")}
		return ""
	case "message", "service", "enum":
		return prefix + "." + words[1]
	case "rpc":
		name, _, _ := strings.Cut(words[1], "(")
		return prefix + "." + name
	case "oneof", "option", "import", "syntax":
		return ""
	}
	for i, word := range words {
		if word == "=" && i > 1 {
			return prefix + "." + words[i-1]
		}
	}
	return ""
}

func nonEmpty(names []string) (some []string) {
	for _, name := range names {
		if name != "" {
			some = append(some, name)
		}
	}
	return some
}
