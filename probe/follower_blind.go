package probe

import "context"

// recall has the sentinels begin where the last prober of the location left off.
func (f *follower) recall(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	beat, _, err := f.store.Heartbeat(ctx)
	if err != nil {
		f.trouble(ctx, "last heartbeat not read", err)
		return
	}
	f.sentinels.recall(beat.Figures)
}

// turn acts on the sentinels' new word. What was not measured while they were silent does not wait for slots that are far off.
func (f *follower) turn(ctx context.Context) {
	if f.sentinels.Blindness() == nil {
		f.scheduler.CatchUp(f.veto.takeUnseen())
	}
	f.noteBlind(ctx)
}

// noteBlind tells the database whether we are blind, and says so in a heartbeat.
func (f *follower) noteBlind(ctx context.Context) {
	note, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	var err error
	if b := f.sentinels.Blindness(); b != nil {
		err = f.store.SetBlind(note, f.options.Location, b.Since, b.Silent)
	} else {
		err = f.store.ClearBlind(note, f.options.Location)
	}
	if f.blindTold = err == nil; err != nil {
		f.trouble(ctx, "blindness not written", err)
	}
	f.beat(ctx)
}
