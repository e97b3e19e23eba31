// Package probe is what happens without a request: it decides when each monitor is due (Scheduler), has it measured
// (Pinger), judges what was found (models.Judge) and has it stored (Recorder). Prober runs them for one location and keeps
// them in step with the database.
//
// A check walks one way: Scheduler → Pinger → Recorder → store, and the store tells everybody else. The only step back
// is that the scheduler hears of a committed failure, so that it can plan the check that confirms it.
package probe
