package models

import (
	"cmp"
	"context"
	"slices"
	"sort"
	"time"
)

const (
	// statusStep is the length of the buckets of StatusComponent.History: 48 of them are a day, which is what a phone has room for.
	statusStep = 30 * time.Minute
	// statusFresh is how old a component's past may be in milliseconds; where its state turned it is read at once.
	statusFresh = 5 * minuteMillis
	// pastsAtOnce is for how many monitors a query reads the past: the text of one for 90 days of hours stays under 100 kB.
	pastsAtOnce = 50
)

// dayStarts are when the last StatusDays days of the zone began, oldest first, in milliseconds.
func dayStarts(now time.Time, zone *time.Location) (starts [StatusDays]int64) {
	now = now.In(zone)
	for i := range starts {
		starts[i] = time.Date(now.Year(), now.Month(), now.Day()-StatusDays+1+i, 0, 0, 0, 0, zone).UnixMilli()
	}
	return starts
}

// fillPasts gives the components their days, their uptime, and where the page shows one their history: three queries for fifty
// monitors, and mostly none; one for what maintenance was announced, with two for each of its days that was not all of it. Days are those of the page's zone. Those of UTC are read from the roll-ups of a day; others are
// put together from hours, and from five minutes where midnight is within an hour of UTC, so that they are exact too. What is not
// rolled up yet, two hours at most, is read from results. A past is up to five minutes old, unless the state turned: the time since
// is added in that state, for as long as it was measured.
func (s *Store) fillPasts(ctx context.Context, p StatusPage, rows []statusMonitor, now time.Time, fill func(i int) *StatusComponent) error {
	zone := p.Zone()
	r := pastReader{Store: s, now: now.UnixMilli(), starts: dayStarts(now, zone), latency: p.Latency}
	var err error
	if r.work, err = s.statusWork(ctx, p, time.UnixMilli(r.starts[0]), now); err != nil {
		return err
	}
	keys, marks := make([]pastKey, len(rows)), make([]pastMark, len(rows))
	for i := range rows {
		m := &rows[i]
		keys[i] = pastKey{m.ID, zone.String(), p.Latency, r.work.key(m.ID)}
		marks[i] = pastMark{slot: floorTo(r.now, statusFresh), rolled: floorTo(m.RolledUntil, hourMillis), since: m.Since.UnixMilli(), state: m.State,
			maintenance: m.Status == StatusMaintenance}
	}
	pasts := s.pasts.pick(keys, marks)
	var missing []int
	for i, past := range pasts {
		if past == nil {
			missing = append(missing, i)
		}
	}
	for chunk := range slices.Chunk(missing, pastsAtOnce) {
		of, ofKeys, read := make([]*statusMonitor, len(chunk)), make([]pastKey, len(chunk)), make([]*statusPast, len(chunk))
		for j, i := range chunk {
			of[j], ofKeys[j], read[j] = &rows[i], keys[i], &statusPast{pastMark: marks[i], at: r.now}
			pasts[i] = read[j]
		}
		if err := r.read(ctx, of, read); err != nil {
			return err
		}
		s.pasts.keep(ofKeys, read)
	}
	for i := range rows {
		r.fill(fill(i), &rows[i], pasts[i])
	}
	return nil
}

// fill writes a past into the component, with the time since it was read.
func (r *pastReader) fill(c *StatusComponent, m *statusMonitor, past *statusPast) {
	days := past.days // a copy: the past is shared
	today := &days[StatusDays-1]
	measured := min(r.now, m.LastCheckedAt.UnixMilli()+int64(m.IntervalSeconds)*1500)
	if from := max(past.at, r.starts[StatusDays-1]); measured > from {
		today.all.spend(m.State, measured-from)
		if m.Status == StatusMaintenance {
			today.announced.spend(m.State, measured-from)
		} else {
			today.announced.spend(m.State, r.work.within(m.ID, from, measured))
		}
	}
	ms := func(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
	c.Days = make([]StatusDay, StatusDays)
	u := Uptime{From: time.UnixMilli(max(r.starts[0], min(m.CreatedAt.UnixMilli(), r.now))).UTC(), To: time.UnixMilli(r.now).UTC(), Excluded: true}
	for i, d := range days {
		end := r.now
		if i+1 < StatusDays {
			end = r.starts[i+1]
		}
		net := d.all
		net.add(d.announced, -1)
		day := StatusDay{Start: time.UnixMilli(r.starts[i]).UTC(), Length: ms(end - r.starts[i]), Up: ms(net.up), Degraded: ms(net.degraded),
			Down: ms(net.down), Unknown: ms(net.unknown), Maintenance: ms(d.announced.sum())}
		c.Days[i] = day
		u.Up, u.Degraded, u.Down, u.Unknown, u.Maintenance = u.Up+day.Up, u.Degraded+day.Degraded, u.Down+day.Down, u.Unknown+day.Unknown, u.Maintenance+day.Maintenance
	}
	c.Uptime, c.History = u, past.history
}

// pastReader reads pasts as they are now.
type pastReader struct {
	*Store
	now     int64
	starts  [StatusDays]int64
	latency StatusLatency
	work    workSpans
}

// day is which day the time belongs to; -1 = before all of them.
func (r *pastReader) day(millis int64) int {
	return sort.Search(StatusDays, func(i int) bool { return r.starts[i] > millis }) - 1
}

// read reads the pasts of the monitors.
func (r *pastReader) read(ctx context.Context, of []*statusMonitor, pasts []*statusPast) error {
	index := make(map[int64]*statusPast, len(of))
	for i, m := range of {
		index[m.ID] = pasts[i]
	}
	if err := r.readDays(ctx, of, index); err != nil {
		return err
	}
	tails, err := r.readTails(ctx, of, index)
	if err != nil {
		return err
	}
	for id, list := range tails {
		past := index[id]
		for i := range list {
			if day := r.day(list[i].start); day >= 0 {
				past.days[day].all.add(list[i].times, 1)
				past.days[day].announced.add(list[i].announced, 1)
			}
		}
	}
	if err := r.readWork(ctx, of, index); err != nil || r.latency == LatencyNone {
		return err
	}
	return r.readHistories(ctx, of, index, tails)
}

// cut tells for each midnight whether days and hours of UTC end there: whether roll-ups of a day can be used, and which hours can not.
func (r *pastReader) cut() (days bool, hours map[int64]bool) {
	days, hours = true, map[int64]bool{}
	for _, at := range r.starts {
		days = days && at%dayMillis == 0
		if at%hourMillis != 0 {
			hours[floorTo(at, hourMillis)] = true
		}
	}
	return days, hours
}

// readDays adds up what is rolled up.
func (r *pastReader) readDays(ctx context.Context, of []*statusMonitor, index map[int64]*statusPast) error {
	days, cut := r.cut()
	var ids []int64
	from := r.starts[0]
	for _, m := range of {
		until := index[m.ID].rolled
		hours := from
		if days {
			hours = max(from, floorTo(until, dayMillis))
			ids = packIDs(ids, m.ID, level1d, LocationID, from, hours)
		}
		ids = packIDs(ids, m.ID, level1h, LocationID, floorTo(hours, hourMillis), until)
		for hour := range cut {
			if hour < until {
				ids = packIDs(ids, m.ID, level5m, LocationID, hour, hour+hourMillis)
			}
		}
	}
	slices.Sort(ids)
	rows, err := r.packs(ctx, slices.Compact(ids), false)
	if err != nil {
		return err
	}
	for i := range rows {
		l, past := level(rows[i].ID>>30&3), index[rows[i].ID>>32]
		lo, hi := floorTo(from, hourMillis), past.rolled
		if days && l == level1d {
			hi = floorTo(hi, dayMillis)
		} else if days {
			lo = max(lo, floorTo(hi, dayMillis))
		}
		r.codec.each(packed{times: rows[i].Times}, l, packStart(rows[i].ID), lo, hi, func(t *tally) {
			day := r.day(t.start)
			if day < 0 || cut[floorTo(t.start, hourMillis)] != (l == level5m) {
				return
			}
			past.days[day].all.add(t.times, 1)
			past.days[day].announced.add(t.announced, 1)
		})
	}
	return nil
}

// readTails are the buckets of five minutes that are not rolled up yet, by monitor. Where the page shows no round-trip times the
// packets are not read.
func (r *pastReader) readTails(ctx context.Context, of []*statusMonitor, index map[int64]*statusPast) (map[int64][]tally, error) {
	windows := make([]resultWindow, len(of))
	for i, m := range of {
		// From the check on that speaks for the begin: one and a half of the interval before it. A longer interval of before is not
		// looked for.
		every := int64(m.IntervalSeconds) * 1000
		at := max(index[m.ID].rolled, r.starts[0]) - every*3/2
		windows[i] = resultWindow{monitor: m.ID, from: at, whole: endOfTime, to: endOfTime, rows: (r.now - at) / every}
	}
	tails := make(map[int64][]tally, len(of))
	err := r.resultsWithin(ctx, windows, r.latency != LatencyNone, func(id int64, list []resultRow) {
		from := max(index[id].rolled, floorTo(r.starts[0], hourMillis))
		tails[id] = tallies(list, from, floorTo(r.now, level5m.step())+level5m.step(), level5m.step(), r.now)
	})
	return tails, err
}

// readWork takes what was measured in announced maintenance for that.
func (r *pastReader) readWork(ctx context.Context, of []*statusMonitor, index map[int64]*statusPast) error {
	worked := slices.DeleteFunc(slices.Clone(of), func(m *statusMonitor) bool { return len(r.work[m.ID]) == 0 })
	if len(worked) == 0 {
		return nil
	}
	oldest, err := r.oldestResults(ctx, worked)
	if err != nil {
		return err
	}
	for day := range r.starts[:StatusDays-1] { // whole days are known already
		for _, m := range worked {
			if from, to := r.starts[day], r.starts[day+1]; r.work.within(m.ID, from, to) == to-from {
				index[m.ID].days[day].announced = index[m.ID].days[day].all
			}
		}
	}
	pieces := r.work.pieces(worked, r.starts[0], r.now, r.starts[1:], oldest)
	for day := range r.starts[:StatusDays-1] {
		delete(pieces, workSpan{r.starts[day], r.starts[day+1]})
	}
	return r.eachPiece(ctx, pieces, oldest, time.UnixMilli(r.now), func(span workSpan, monitor int64, t times) {
		day := &index[monitor].days[r.day(span.from)]
		left := day.all // at an end whose results are gone, whole buckets were counted
		left.add(day.announced, -1)
		day.announced.add(t.atMost(left), 1)
	})
}

// readHistories makes the series of the last day: from five minutes, and from what is not rolled up yet.
func (r *pastReader) readHistories(ctx context.Context, of []*statusMonitor, index map[int64]*statusPast, tails map[int64][]tally) error {
	step := statusStep.Milliseconds()
	from := floorTo(r.now, step) + step - dayMillis
	var ids []int64
	for _, m := range of {
		ids = packIDs(ids, m.ID, level5m, LocationID, from, index[m.ID].rolled)
	}
	slices.Sort(ids)
	rows, err := r.packs(ctx, slices.Compact(ids), true)
	if err != nil {
		return err
	}
	lists := make(map[int64][]tally, len(of))
	for i := range rows {
		id := rows[i].ID >> 32
		lists[id] = append(lists[id], r.unpackRow(&rows[i], from, index[id].rolled)...)
	}
	for _, m := range of {
		list := lists[m.ID]
		for _, t := range tails[m.ID] {
			if t.start >= from {
				list = append(list, t)
			}
		}
		slices.SortStableFunc(list, func(a, b tally) int { return cmp.Compare(a.start, b.start) })
		if r.latency != LatencySmoke { // the distributions are of no use, and merging them takes longer than all the rest
			for i := range list {
				t := &list[i].rtts
				*t = rttTally{n: t.n, min: t.min, max: t.max, sum: t.sum}
			}
		}
		list = grouped(list, step)
		series := Series{From: time.UnixMilli(from).UTC(), To: time.UnixMilli(from + dayMillis).UTC(), Step: statusStep, Buckets: make([]Bucket, len(list))}
		for i := range list {
			series.Buckets[i] = list[i].bucket(statusStep)
		}
		index[m.ID].history = series
	}
	return nil
}
