package probe

import (
	"math/rand/v2"
	"testing"
)

// The ring finds each schedule at its key, whatever was put, moved, removed and jumped over before, and never one twice.
func TestRing(t *testing.T) {
	for seed := range seeds(5, 200) {
		random := rand.New(rand.NewPCG(seed, 7))
		slab := newSlab()
		now := int64(1_700_000_000_000)
		r := newRing(&slab, now)
		want := map[int32]int64{} // the key of each that is in the ring
		var all []int32
		for range 3000 { // more than a chunk
			all = append(all, slab.take())
		}
		for range 20_000 {
			p := all[random.IntN(len(all))]
			switch random.IntN(10) {
			case 0:
				r.remove(slab.at(p))
				delete(want, p)
			case 1:
				step := [...]int64{1, 20, 1000, ringSize - 1, ringSize, 3 * ringSize}[random.IntN(6)]
				if next := r.next(now, now+step); next < now+step {
					for q, key := range want {
						if key < next {
							t.Fatalf("seed %d: nothing was due before %d, said the ring, but %d was at %d", seed, next, q, key)
						}
					}
				}
				now += step
				var places [7]int32
				for more := true; more; {
					due := r.visit(now, places[:0:7])
					for _, q := range due {
						if key, in := want[q]; !in || key > now {
							t.Fatalf("seed %d: at %d the ring found %d, whose key is %d (in it: %v)", seed, now, q, key, in)
						}
						delete(want, q)
					}
					more = len(due) == 7
				}
				for q, key := range want {
					if key <= now {
						t.Fatalf("seed %d: at %d the ring did not find %d of %d", seed, now, q, key)
					}
				}
			default:
				far := [...]int64{5, 100, 5000, ringSize, 5 * ringSize}[random.IntN(5)]
				key := now + random.Int64N(far) - 2
				r.put(p, slab.at(p), key)
				want[p] = max(key, now+1)
			}
		}
	}
}
