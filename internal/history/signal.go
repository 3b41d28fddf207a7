package history

// A Signal tells of how much use a rule is. A finding was judged once it was
// fixed, excepted or called not useful; only those that were shown count.
type Signal struct {
	Rule                       string
	Shown                      int  // findings, ever
	Judged                     int  // of the last JudgedLast
	Fixed, Excepted, NotUseful int  // of Judged; what was called not useful counts as nothing else
	Grave                      bool // secrets, malicious packages, vulnerabilities, which may be exploited
}

// The bar that a rule is measured by.
const (
	JudgedLast    = 50 // findings that count, the latest
	judgedLeast   = 10 // before that many were judged nobody can tell
	mostNotUseful = 10 // percent
)

// Quality is how many percent of the judged findings were of use; ok is false
// if none was judged.
func (s Signal) Quality() (percent float64, ok bool) {
	if s.Judged == 0 {
		return 0, false
	}
	return 100 * float64(s.Judged-s.NotUseful) / float64(s.Judged), true
}

// Demote reports whether people should think about making the rule milder. A
// grave one is never proposed, whatever is said of it.
func (s Signal) Demote() bool {
	return !s.Grave && s.Judged >= judgedLeast && 100*s.NotUseful > mostNotUseful*s.Judged
}
