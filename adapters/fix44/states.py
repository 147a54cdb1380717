"""The states of a FIX session and every move between them.

Source: FIX 4.4 volume 2, session protocol.
"""

DOWN, LOGON_SENT, LOGON_WAIT, ACTIVE, LOGOUT_SENT = range(5)
STATES = ("down", "logon sent", "waiting for logon", "active", "logout sent")
CONNECT, ACCEPT, LOGON, LOGOUT, QUIT, DROP = range(6)

# (state, event) -> state. CONNECT, ACCEPT: a socket is there. LOGON, LOGOUT: received. QUIT: we log out. DROP: the
# socket is gone or must go. What is not here is a violation by the counterparty and counts as DROP.
TABLE = {
    (DOWN, CONNECT): LOGON_SENT,
    (DOWN, ACCEPT): LOGON_WAIT,
    (LOGON_SENT, LOGON): ACTIVE,
    (LOGON_WAIT, LOGON): ACTIVE,
    (ACTIVE, LOGON): ACTIVE,  # sequence numbers reset within the session
    (ACTIVE, LOGOUT): DOWN,
    (ACTIVE, QUIT): LOGOUT_SENT,
    (LOGOUT_SENT, LOGOUT): DOWN,
    (LOGON_SENT, LOGOUT): DOWN,  # the logon was refused
    (LOGON_SENT, QUIT): DOWN,
    (LOGON_WAIT, QUIT): DOWN,
    (LOGOUT_SENT, QUIT): LOGOUT_SENT,
    (LOGON_SENT, DROP): DOWN,
    (LOGON_WAIT, DROP): DOWN,
    (ACTIVE, DROP): DOWN,
    (LOGOUT_SENT, DROP): DOWN,
    (DOWN, DROP): DOWN,
    (DOWN, QUIT): DOWN,
}
