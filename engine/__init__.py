"""What Tandem knows and executes: instruments, book, kernels, orders, deals, repair, ledger, journal, replay, clock."""
