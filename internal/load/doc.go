// Package load measures what deliveries cost: it starts the real server in a
// process of its own, delivers signed webhooks to it over loopback from another
// one, and sees to it that nothing was lost. It has tests and benchmarks only;
// docs/benchmarks.md has the figures and the commands.
package load
