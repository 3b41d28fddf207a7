package pypi

import (
	"slices"
	"strings"

	"github.com/pullwarden/pullwarden/internal/ecosystem"
)

// maxVia bounds a path, whose end is kept: comments can chain all packages of a file.
const maxVia = 24

// trace sets Direct and Via. A package that no comment calls somebody else's is direct.
func trace(packages []ecosystem.Package, askers [][]string) {
	brings := map[string][]int{} // by the name of who asks
	var queue []int
	from := make([]int, len(packages))
	for i := range packages {
		p := &packages[i]
		from[i] = -1
		p.Direct = true
		for _, who := range askers[i] {
			switch {
			case strings.HasPrefix(who, "-c "): // a limit asks for nothing
			case strings.HasPrefix(who, "-r ") || strings.Contains(who, "("): // a file, or a project: "site (pyproject.toml)"
				brings[""] = append(brings[""], i)
			default:
				p.Direct = false
				brings[Canonical(who)] = append(brings[Canonical(who)], i)
			}
		}
	}
	for _, i := range brings[""] {
		packages[i].Direct = true
	}
	for i := range packages {
		if packages[i].Direct {
			queue = append(queue, i)
		}
	}
	for done := 0; done < len(queue); done++ {
		i := queue[done]
		name := packages[i].Name
		below := brings[name]
		delete(brings, name)
		for _, to := range below {
			if !packages[to].Direct && from[to] < 0 {
				from[to] = i
				queue = append(queue, to)
			}
		}
	}
	for i := range packages {
		var via []string
		for j := from[i]; j >= 0 && len(via) < maxVia; j = from[j] {
			via = append(via, label(packages[j]))
		}
		slices.Reverse(via)
		packages[i].Via = via
	}
}

func label(p ecosystem.Package) string {
	if p.Version == "" {
		return p.Name
	}
	return p.Name + "==" + p.Version
}
