package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/stamklant/stamklant/internal/office"
)

// ask puts a question for each answer that no flag gave. Without a terminal it asks nothing.
func ask(a *office.Answers) error {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return nil
	}
	in := bufio.NewReader(os.Stdin)
	one := func(question, example string, to *string) error {
		if *to != "" {
			return nil
		}
		answer, err := answerTo(in, os.Stderr, question, example)
		*to = answer
		return err
	}
	many := func(question, example string, to *[]string) error {
		if len(*to) > 0 {
			return nil
		}
		answer, err := answerTo(in, os.Stderr, question, example)
		*to = strings.FieldsFunc(answer, func(r rune) bool { return r == ',' || r == ' ' })
		return err
	}
	return errors.Join(
		one("The chain's name", "Tuincentrum De Linde", &a.Chain),
		one("Currency", "EUR", &a.Currency),
		one("Time zone of the stores", "Europe/Amsterdam", &a.TimeZone),
		many("Languages, the first being the default", "nl,en", &a.Languages),
		many("Store codes, as receipts carry them", "s01,s02", &a.Stores),
		one("Customers are profiled on the basis of consent or legitimate_interest; the owner decides, without it nobody is", "", &a.Profiling),
	)
}

func answerTo(in *bufio.Reader, out io.Writer, question, example string) (string, error) {
	fmt.Fprintf(out, "%s [%s]: ", question, example)
	line, err := in.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if line = strings.TrimSpace(line); line != "" {
		return line, nil
	}
	return example, nil
}

// confirm puts a question to be answered with yes or no. Without a terminal the answer is no.
func confirm(question string) (bool, error) {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return false, nil
	}
	answer, err := answerTo(bufio.NewReader(os.Stdin), os.Stderr, question, "n")
	return strings.HasPrefix(strings.ToLower(answer), "y") || strings.HasPrefix(strings.ToLower(answer), "j"), err
}
