package secret

import "strings"

// The expressions of rules that know a value by the name beside it say what
// stands between the two and behind the value. What they say is right for
// assignments. Files have more ways to give a name a value, and they are the
// same for all rules, so that they are written once and put in place here.
const (
	// linkOfGitleaks and endOfGitleaks are what gitleaks' rules have, linkOfOurs what ours have.
	linkOfGitleaks = `(?:=|>|:{1,3}=|\|\||:|=>|\?=|,)[\x60'"\s=]{0,5}`
	endOfGitleaks  = `(?:[\x60'"\s;]|\\[nr]|$)`
	linkOfOurs     = `["'\x60]?\]?[ \t]{0,5}(?::=|=>|=|:)[ \t]{0,5}["'\x60]?`

	// link is what may stand between a name and its value.
	link = `(?:` +
		// name = value, "name": value, name || value, ["name"] ||= value, name: type = value, name = @"value",
		// and in YAML name: | with the value on the next line.
		`["'\x60]?[\])]?(?:[ \t]?:[ \t]?[&*]?(?:'static[ \t])?\w{1,20})?[ \t]{0,5}(?::=|=>|\|\|=|\?\?|\|\||\?=|=|:)[ \t]{0,5}(?:[|>][+-]?[ \t]{0,3}\r?\n[ \t]{1,20})?@?["'\x60]?|` +
		// ("name", "value"), and name,value in a table
		`["'\x60],[ \t]{0,5}["'\x60]|,|` +
		// <name>value, <x name="name">value, <key>name</key><string>value
		`["']?>|</(?:key|name)>\s{0,20}<(?:string|value)>|` +
		// name: name, value: value, on two lines or one, and name="name" value="value"
		`["']?,?\s{1,40}["']?value["']?[ \t]{0,3}[:=][ \t]{0,3}["']?|` +
		// variable "name" { default = "value"
		`"[ \t]{0,3}\{[^{}]{0,160}?\bdefault[ \t]{1,20}=[ \t]{1,3}"` +
		`)`
	// linkOfWords is what stands between a name and its value where only
	// blanks part words: behind a flag, in a Dockerfile, in a macro.
	linkOfWords = `["'\x60]?[ \t]{1,4}["'\x60]?`
	// keyWord is the end of a name that a value may follow so.
	keyWord = `(?-i:[_-](?:KEY|TOKEN|SECRET|PASSWORD|key|token|secret|password))`

	end = `(?:[\x60'"\s;<&,)\]}]|\\[nr"']|$)`
)

// linked is the expression of a rule with all that may link a name to its value.
func linked(text string) string {
	return strings.NewReplacer(
		linkOfGitleaks, `(?:`+linkOfGitleaks+`|`+link+`|`+keyWord+linkOfWords+`)`, endOfGitleaks, end,
		linkOfOurs, `(?:`+link+`|`+linkOfWords+`)`,
	).Replace(text)
}
