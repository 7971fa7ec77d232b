// Checkvalidate compares the validate.proto kept under api/third_party, as compiled by buf into the image file it
// is given, with the one that the validation library of go.mod was generated from. They must not drift apart.
package main

import (
	"fmt"
	"os"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "checkvalidate:", err)
		os.Exit(1)
	}
}

func run(image string) error {
	raw, err := os.ReadFile(image)
	if err != nil {
		return err
	}
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(raw, &set); err != nil {
		return fmt.Errorf("%s: %w", image, err)
	}
	want := protodesc.ToFileDescriptorProto(validate.File_buf_validate_validate_proto)
	want.Options.GoPackage = nil
	for _, have := range set.GetFile() {
		if have.GetName() != "buf/validate/validate.proto" {
			continue
		}
		have.SourceCodeInfo = nil
		have.Options.GoPackage = nil
		have.ProtoReflect().SetUnknown(nil)
		if !proto.Equal(have, want) {
			return fmt.Errorf("validate.proto differs from the version in go.mod: copy it anew")
		}
		return nil
	}
	return fmt.Errorf("%s holds no buf/validate/validate.proto", image)
}
