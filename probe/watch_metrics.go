package probe

import "github.com/prometheus/client_golang/prometheus"

// latenessBuckets are seconds. The promise is 50 ms, so it is a bucket's edge.
var latenessBuckets = []float64{.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 30, 60}

// metric is one series that is read from the sources when it is asked for.
type metric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(s snapshot) float64
}

// describe makes the table of all metrics. Labels have few values, all known before; none names a monitor or a tenant.
func (w *Watch) describe(location string) {
	w.lateHist = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "echolot_check_lateness_seconds",
		Help: "How long after its slot a check began.", Buckets: latenessBuckets})
	w.checks = prometheus.NewDesc("echolot_checks_total", "Checks that ended, by outcome and cause.", []string{"outcome", "cause"},
		prometheus.Labels{"location": location})
	w.engine = prometheus.NewDesc("echolot_prober_engine", "What sends, and where the times of packets are taken; always 1.", []string{"kind", "stamps"}, nil)

	add := func(kind prometheus.ValueType, name, help string, labels prometheus.Labels, value func(s snapshot) float64) {
		w.metrics = append(w.metrics, metric{prometheus.NewDesc(name, help, nil, labels), kind, value})
	}
	const counter, gauge = prometheus.CounterValue, prometheus.GaugeValue
	for direction, value := range map[string]func(e EngineStats) uint64{
		"sent": func(e EngineStats) uint64 { return e.Sent }, "received": func(e EngineStats) uint64 { return e.Received },
		"duplicate": func(e EngineStats) uint64 { return e.Duplicates }, "late": func(e EngineStats) uint64 { return e.Late },
		"forged": func(e EngineStats) uint64 { return e.Forged }, "stray": func(e EngineStats) uint64 { return e.Stray },
		"short": func(e EngineStats) uint64 { return e.Short }, "reordered": func(e EngineStats) uint64 { return e.Reordered },
	} {
		add(counter, "echolot_packets_total", "Echo requests sent, and what came back.", prometheus.Labels{"direction": direction},
			func(s snapshot) float64 { return float64(value(s.engine)) })
	}
	for name, value := range map[string]func(e EngineStats) uint64{
		"global":       func(e EngineStats) uint64 { return e.CapGlobal },
		"organization": func(e EngineStats) uint64 { return e.CapGroup },
		"target":       func(e EngineStats) uint64 { return e.CapTarget },
	} {
		add(counter, "echolot_cap_delays_total", "Packets that had to wait for a cap, or were refused by it.", prometheus.Labels{"cap": name},
			func(s snapshot) float64 { return float64(value(s.engine)) })
	}
	add(counter, "echolot_socket_drops_total", "Replies that the kernel dropped because the socket was full.", nil, func(s snapshot) float64 { return float64(s.engine.SocketDrops) })
	add(counter, "echolot_icmp_errors_total", "ICMP errors that routers and hosts sent.", nil, func(s snapshot) float64 { return float64(s.engine.ICMPErrors) })
	add(counter, "echolot_send_errors_total", "Packets that this machine did not take.", nil, func(s snapshot) float64 { return float64(s.engine.SendErrors) })
	add(gauge, "echolot_checks_in_flight", "Checks under way.", nil, func(s snapshot) float64 { return float64(inFlight(s)) })
	add(gauge, "echolot_monitors", "Monitors that are scheduled.", nil, func(s snapshot) float64 { return float64(s.work.Monitors) })
	add(gauge, "echolot_blind", "1 while the sentinels are silent: failed checks are not measured then.", nil, func(s snapshot) float64 {
		if s.work.Blind {
			return 1
		}
		return 0
	})
	add(counter, "echolot_slots_skipped_total", "Slots that no check was made in.", nil, func(s snapshot) float64 { return float64(s.work.Skipped) })
	add(counter, "echolot_checks_shed_total", "Skipped slots that are recorded as overload.", nil, func(s snapshot) float64 { return float64(s.work.Shed) })
	add(counter, "echolot_clock_steps_total", "How often the clock was set, or the machine slept.", nil, func(s snapshot) float64 { return float64(s.work.ClockSteps) })
	add(gauge, "echolot_recorder_queue_results", "Results in memory that are not stored yet.", nil, func(s snapshot) float64 { return float64(s.storage.Waiting) })
	add(gauge, "echolot_recorder_queue_bytes", "Memory that they take.", nil, func(s snapshot) float64 { return float64(s.storage.WaitingBytes) })
	add(gauge, "echolot_spool_results", "Results in the spool's files.", nil, func(s snapshot) float64 { return float64(s.storage.SpoolResults) })
	add(gauge, "echolot_spool_bytes", "Size of the spool's files.", nil, func(s snapshot) float64 { return float64(s.storage.SpoolBytes) })
	add(counter, "echolot_results_stored_total", "Results that were stored.", nil, func(s snapshot) float64 { return float64(s.storage.Stored) })
	add(counter, "echolot_results_dropped_total", "Results that were lost: nothing had room for them, the spool was damaged, or the database refused them.", nil, func(s snapshot) float64 { return float64(s.storage.Dropped) })
}

// inFlight is the engine's own figure where it has one: the scheduler's is as old as the last heartbeat.
func inFlight(s snapshot) int {
	if s.engine.Kind == EngineEcholot {
		return s.engine.InFlight
	}
	return s.work.InFlight
}

// Describe is prometheus.Collector's.
func (w *Watch) Describe(to chan<- *prometheus.Desc) {
	w.lateHist.Describe(to)
	to <- w.checks
	to <- w.engine
	for _, m := range w.metrics {
		to <- m.desc
	}
}

// Collect is prometheus.Collector's.
func (w *Watch) Collect(to chan<- prometheus.Metric) {
	s := w.snapshot()
	w.lateHist.Collect(to)
	to <- prometheus.MustNewConstMetric(w.engine, prometheus.GaugeValue, 1, s.engine.Kind, s.engine.Stamps)
	for i, outcome := range outcomes {
		for j, cause := range causes {
			n := w.results[i][j].Load()
			if n > 0 || j == 0 && i < len(outcomes)-1 { // the plain ones are there from the start, so that a rate of them is
				to <- prometheus.MustNewConstMetric(w.checks, prometheus.CounterValue, float64(n), string(outcome), string(cause))
			}
		}
	}
	for _, m := range w.metrics {
		to <- prometheus.MustNewConstMetric(m.desc, m.kind, m.value(s))
	}
}
