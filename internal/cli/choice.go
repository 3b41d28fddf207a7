package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// A choice is a flag with one of a few words.
type choice struct {
	word  *string
	words []string
}

func (c choice) String() string { return *c.word }

// Type is how help names a value.
func (c choice) Type() string { return "FORMAT" }

func (c choice) Set(word string) error {
	if !slices.Contains(c.words, word) {
		return fmt.Errorf("must be %s", either(c.words))
	}
	*c.word = word
	return nil
}

// formatFlag adds --format, of which the first word is the default.
func formatFlag(c *cobra.Command, to *string, words ...string) {
	*to = words[0]
	c.Flags().Var(choice{to, words}, "format", either(words))
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)) // the flag exists
}

// either lists words: "text, json or diff".
func either(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
