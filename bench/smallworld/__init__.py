"""Exhaustive small worlds: every turn that two legs of up to three lots can take, over the real tables and planner.

One entry is launched through the real loop (`engine.loop` over a real, small State). From there each state has its
moves: what a venue may do with an order and say of it, links, quotes, time, a stop, a restart. Each move goes through
the real loop; states are kept by what matters for the future and never walked twice; the invariants of
`bench.smallworld.judge` are checked after every move, by arithmetic of their own.

What is abstracted away, and why that is sound enough:

* A venue's act and its report are one move. A report that is late cannot be told from an act that is late, except where
  reports pass each other: those are moves of their own ("unseen": the venue acts and its report is held back, to come
  later or never; while a link is down all reports are). So the checks take an order that may still trade as anything
  between what is told and all of it.
* Time moves in beats of half a second to the next one at which the engine has something to do; its limits are multiples
  of it. Within a beat any number of reports may come, before and after one another. The two usable books are quoted
  anew at every beat, at the same prices; rolling statistics are not sampled, so the planner's deviation is zero.
* Two states are equal if their tables are, without: stamps, counters, priced and sampled spreads, used margin, token
  buckets, what a person has heard, and everything that a settled order no longer needs. Order numbers go by age; times
  by their distance from now, cut off where nothing looks further (20 s); a count of queries by how the pause depends
  on it. None of these is read by what follows but entries, of which there is one.
* Reports name their order by our id. Those under a venue's id alone, amended sizes and corrections are not walked.
* Rare events are rationed: so many a path, and at most so many of a kind (`bench.smallworld.moves`). Without a limit on
  the beats in which a venue lets the engine wait ("slow") a world is large; with one, small worlds are walked to their
  end.
"""
