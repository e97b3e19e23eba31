package probe

import (
	"errors"
	"time"

	"echolot/models"
)

// openSpool opens the spool if there is to be one, it is not open, and the last try is long enough ago.
func (r *Recorder) openSpool() bool {
	if r.spool != nil {
		return true
	}
	if r.spoolDir == "" || time.Now().Before(r.spoolAfter) {
		return false
	}
	s, err := openSpool(r.spoolDir)
	if err != nil {
		r.spoolAfter = time.Now().Add(spoolRetry)
		if !errors.Is(err, errSpoolTaken) && r.notices.allow("spool") {
			r.log.Warn("no spool for results: beyond what memory holds they will be lost while the database is away", "error", err)
		}
		return false
	}
	r.spool = s
	if n := s.waiting(); n > 0 {
		r.log.Info("results of an earlier run wait in the spool", "results", n, "oldest", s.oldestLeft)
	}
	r.noteSpool()
	return true
}

func (r *Recorder) closeSpool() {
	if r.spool == nil {
		return
	}
	if err := r.spool.close(); err != nil {
		r.log.Warn("the spool was not closed in order", "error", err)
	}
	r.spool = nil
}

// noteSpool copies the spool's figures for Stats.
func (r *Recorder) noteSpool() {
	s := r.spool
	n, bytes, lost, oldest := s.waiting(), s.bytes(), s.lost, s.oldestLeft
	s.lost = 0
	if lost > 0 && r.notices.allow("spool lost") {
		r.log.Error("results in the spool were lost: it was full, or damaged", "results", lost)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats.SpoolResults, r.stats.SpoolBytes, r.stats.OldestWaiting = int64(n), bytes, time.Time{}
	r.stats.Dropped += int64(lost)
	if n > 0 {
		r.stats.OldestWaiting = oldest
	}
}

// relieve moves to the spool what memory need not, or should not, hold: everything where the database has been away for
// spoolWhenAway, and else what is beyond memoryBytes.
func (r *Recorder) relieve() {
	if !r.failingSince.IsZero() && time.Since(r.failingSince) >= spoolWhenAway {
		r.spill(0, 0)
		return
	}
	r.spill(r.memoryBytes, r.memoryBytes/2)
}

// spill moves results from memory to the spool where they are more than most bytes, until at most keep bytes are left. Where
// the spool can not be written they stay.
func (r *Recorder) spill(most, keep int64) {
	if r.Stats().WaitingBytes <= most || time.Now().Before(r.spoolAfter) || !r.openSpool() {
		return
	}
	if r.notices.allow("spilling") {
		r.log.Warn("results go to the spool until the database takes them", "in_memory", r.Stats().Waiting)
	}
	for {
		r.mu.Lock()
		if r.stats.WaitingBytes <= keep {
			r.mu.Unlock()
			return
		}
		batch, dropped := r.queue[:min(spillBatch, len(r.queue))], r.dropped
		r.mu.Unlock()
		err := r.spool.append(batch)
		r.noteSpool()
		if err != nil {
			r.spoolAfter = time.Now().Add(spoolRetry)
			if r.notices.allow("spool") {
				r.log.Warn("the spool can not be written: results wait in memory only", "error", err)
			}
			return
		}
		r.done(len(batch), false, dropped)
	}
}

// nextSpooled returns the oldest results of the spool, none where it is empty. What can not be read is given up.
func (r *Recorder) nextSpooled(limit int) []models.Result {
	for r.spool != nil && r.spool.waiting() > 0 {
		batch, err := r.spool.next(limit)
		if err == nil {
			r.noteSpool()
			return batch
		}
		r.log.Error("a file of the spool can not be read and is given up", "results", r.spool.files[0].results, "error", err)
		r.spool.lost += r.spool.files[0].results
		if err := r.spool.removeFirst(); err != nil {
			r.log.Error("it can not be deleted either", "error", err)
		}
		r.noteSpool()
	}
	return nil
}

// forgetSpooled lets go what nextSpooled returned last.
func (r *Recorder) forgetSpooled() {
	if err := r.spool.forget(); err != nil {
		r.log.Warn("a file of the spool that is stored can not be deleted; it will be offered again at the next start", "error", err)
	}
	r.noteSpool()
	if r.spool.waiting() == 0 {
		r.log.Info("all results of the spool are stored")
	}
}
