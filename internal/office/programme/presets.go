package programme

import (
	"embed"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// presetFiles are the ready-made parts, written the way a retailer writes.
//
//go:embed presets/*.yaml
var presetFiles embed.FS

// defaultSegments is the preset that a programme starts from when neither it nor its presets say anything about segments.
const defaultSegments = "eleven-segments"

// presetMark follows the name of a preset where findings call it as a file.
const presetMark = " (ready-made)"

// Presets names the ready-made parts that `starts_from` may list, sorted.
func Presets() []string {
	entries, err := presetFiles.ReadDir("presets")
	if err != nil {
		return nil // cannot be: the folder is part of the program
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	slices.Sort(names)
	return names
}

// PresetText is a ready-made part as it is written, for people who want to look at it or take a copy.
func PresetText(name string) (text []byte, ok bool) {
	if !slices.Contains(Presets(), name) {
		return nil, false
	}
	text, err := presetFiles.ReadFile(path.Join("presets", name+".yaml"))
	return text, err == nil
}

// preset parses a ready-made part.
func preset(name string) (tree, bool) {
	text, ok := PresetText(name)
	if !ok {
		return tree{}, false
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil || len(doc.Content) != 1 {
		return tree{}, false // cannot be: a test reads every preset
	}
	return tree{file: name + presetMark, root: doc.Content[0], lines: strings.Split(string(text), "\n"), preset: true}, true
}
