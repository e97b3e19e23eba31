//go:build race

package probe

// raceDetector is true where the tests run with it.
const raceDetector = true
