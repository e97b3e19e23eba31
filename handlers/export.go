package handlers

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"time"

	"echolot/models"
)

// export is one download of a monitor's history. It holds one page at a time.
type export struct {
	server   *Server
	by       models.Actor
	again    func(context.Context) (models.Actor, error)
	checked  time.Time // when it was last looked whether the reader may still read
	monitor  models.MonitorRow
	location models.Location
	from, to time.Time
	step     time.Duration // models.EachCheck for each check

	out     *bufio.Writer
	csv     *csv.Writer // nil for JSON
	written bool        // an item of JSON
}

// pageChecks is how many checks a page has, pageBuckets how many buckets it spans.
const (
	pageChecks  = 1000
	pageBuckets = 2016 // a week of 5 minutes
)

// begin writes what stands before the first item.
func (x *export) begin(out *bufio.Writer, asCSV bool) {
	x.out = out
	if !asCSV {
		_, _ = out.WriteString("[") // its error comes again with the next one
		return
	}
	x.csv = csv.NewWriter(out)
	x.csv.UseCRLF = true // RFC 4180 §2
	if x.step == models.EachCheck {
		_ = x.csv.Write(checkColumns[:])
	} else {
		_ = x.csv.Write(bucketColumns[:])
	}
}

// finish writes what stands after the last item.
func (x *export) finish() error {
	if x.csv == nil {
		_, _ = x.out.WriteString("\n]\n")
	}
	return x.flush()
}

func (x *export) flush() error {
	if x.csv != nil {
		x.csv.Flush()
		if err := x.csv.Error(); err != nil {
			return err
		}
	}
	return x.out.Flush()
}

// pages writes all items, and calls flush after each page: whoever does not take it in ends the export.
func (x *export) pages(ctx context.Context, flush func() error) error {
	for at, done := x.from, false; !done; {
		if err := x.mayStill(ctx); err != nil {
			return err
		}
		page, cancel := context.WithTimeout(ctx, exportPageTime)
		var err error
		if x.step == models.EachCheck {
			at, done, err = x.pageOfChecks(page, at)
		} else {
			at, done, err = x.pageOfBuckets(page, at)
		}
		cancel()
		if err != nil {
			return err
		}
		if err := flush(); err != nil {
			return err
		}
	}
	return nil
}

// mayStill looks now and then whether the reader still may read, as live streams do.
func (x *export) mayStill(ctx context.Context) error {
	if time.Since(x.checked) < recheckEvery {
		return nil
	}
	by, err := x.again(ctx)
	if err != nil {
		return err
	}
	x.by, x.checked = by, time.Now()
	return nil
}

// pageOfChecks writes the checks from the time on, and returns where the next page begins.
func (x *export) pageOfChecks(ctx context.Context, from time.Time) (next time.Time, done bool, err error) {
	checks, err := x.server.Store.StoredChecks(ctx, x.by, x.monitor.PublicID, from, x.to, pageChecks)
	if err != nil {
		return from, false, err
	}
	for i := range checks {
		next = time.UnixMilli(checks[i].Slot + 1)
		if x.csv != nil {
			err = x.csv.Write(x.checkRecord(checks[i]))
		} else {
			err = x.item(newExportedCheck(checks[i], x.location))
		}
		if err != nil {
			return next, false, err
		}
	}
	return next, len(checks) < pageChecks, nil
}

// pageOfBuckets writes the buckets from the time on.
func (x *export) pageOfBuckets(ctx context.Context, from time.Time) (next time.Time, done bool, err error) {
	// Pages begin at multiples of their length, so that no bucket is cut in two.
	length := x.step * pageBuckets
	next = time.UnixMilli((from.UnixMilli()/length.Milliseconds() + 1) * length.Milliseconds())
	if !next.Before(x.to) {
		next, done = x.to, true
	}
	series, err := x.server.Store.Series(ctx, x.by, x.monitor.PublicID, models.SeriesRange{From: from, To: next, Step: x.step})
	if err != nil {
		return from, false, err
	}
	for _, b := range series.Buckets {
		if x.csv != nil {
			err = x.csv.Write(x.bucketRecord(b))
		} else {
			err = x.item(newBucketItem(b))
		}
		if err != nil {
			return next, false, err
		}
	}
	return next, done, nil
}

// item writes one element of the JSON array.
func (x *export) item(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if x.written {
		_ = x.out.WriteByte(',')
	}
	x.written = true
	_ = x.out.WriteByte('\n')
	_, err = x.out.Write(b)
	return err
}
