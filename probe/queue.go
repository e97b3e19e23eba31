package probe

import "container/heap"

// queue holds the monitors that no check is running for, the next one due first. It implements heap.Interface.
type queue []*schedule

func (q queue) Len() int { return len(q) }

// Less puts what somebody waits for before what is due: where checks have to queue, a person who adds a monitor or asks
// for a check still sees it within the time of one check.
func (q queue) Less(i, j int) bool {
	if q[i].urgent != q[j].urgent {
		return q[i].urgent
	}
	return q[i].due() < q[j].due()
}

func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

func (q *queue) Push(x any) {
	m := x.(*schedule)
	m.place = len(*q)
	*q = append(*q, m)
}

func (q *queue) Pop() any {
	last := len(*q) - 1
	m := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	m.place = -1
	return m
}

// put adds the monitor, or finds its new place.
func (q *queue) put(m *schedule) {
	if m.place >= 0 {
		heap.Fix(q, m.place)
		return
	}
	heap.Push(q, m)
}

// remove does nothing where the monitor is not queued.
func (q *queue) remove(m *schedule) {
	if m.place >= 0 {
		heap.Remove(q, m.place)
	}
}

// overdue counts what is due at ms, looking only at what is due and its neighbours.
func (q queue) overdue(ms int64, from int) int {
	if from >= len(q) || q[from].due() > ms {
		return 0
	}
	return 1 + q.overdue(ms, 2*from+1) + q.overdue(ms, 2*from+2)
}
