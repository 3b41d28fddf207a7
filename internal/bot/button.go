package bot

import (
	"context"
	"fmt"

	"github.com/rs/zerolog"

	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/report"
)

// access tells what people may do in a repository.
type access interface {
	MayWrite(ctx context.Context, repo forge.Repo, u forge.User) (bool, error)
	// InTeam goes by the name of u, which MayWrite has looked at. A team that
	// is not shown to us is forge.ErrDenied.
	InTeam(ctx context.Context, repo forge.Repo, team string, u forge.User) (bool, error)
}

// pressed has a change looked at again, or fixed, if whoever pressed the button
// may write to the repository: GitHub does not say who may press one. The press
// is work of its own until that is known, so that a stranger's press can
// neither make work nor stand in the way of any.
func (b *Bot) pressed(ctx context.Context, e forge.Event) error {
	log := zerolog.Ctx(ctx).Info().Str("button", e.Button).Str("sender", e.Sender.Login)
	fix := e.Button == report.FixButton && b.Pushes != nil && b.Talk != nil
	if !fix && e.Button != report.RerunButton || b.Access == nil || b.Accept == nil {
		log.Msg("ignored: there is no such button")
		return nil
	}
	may, err := b.Access.MayWrite(ctx, e.Repo, e.Sender)
	if err != nil {
		return fmt.Errorf("ask who pressed %s on %s of %v: %w", e.Button, e.SHA, e.Repo, err)
	}
	if !may {
		log.Msg("ignored: the sender may not write to the repository")
		return nil
	}
	if fix {
		return b.fixPressed(ctx, e)
	}
	again := e
	again.Kind, again.Button = forge.CheckAsked, ""
	return b.Accept(ctx, again, again.Key())
}
