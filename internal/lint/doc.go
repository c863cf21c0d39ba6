// Package lint holds the project's rules about its own source, as tests: who
// imports whom, what must not appear where outcomes have to be deterministic,
// that everything exported is documented, that files stay small, that no text
// names the place it was written at.
//
// It has no code that anything could import. Every rule is a function from
// parsed source to findings, and has a test that shows it failing.
package lint
