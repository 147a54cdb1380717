"""The FIX 4.4 fields and message types that this room uses. A key is what a field looks like inside a frame."""

SOH = b"\x01"


def key(tag: int) -> bytes:
    """How a field starts inside a frame: the end of the field before it, its tag, '='."""
    return b"\x01%d=" % tag


MSG_TYPE = key(35)
SENDER, TARGET, SEQ, SENT_AT = key(49), key(56), key(34), key(52)
POSS_DUP, ORIG_SENT_AT = key(43), key(122)
TEXT = key(58)

# Session level
HEARTBEAT_S, RESET_SEQ, TEST_ID = key(108), key(141), key(112)
BEGIN_SEQ, END_SEQ, NEW_SEQ, GAP_FILL = key(7), key(16), key(36), key(123)
REF_SEQ, REF_TAG, REF_TYPE, REJECT_REASON, BUSINESS_REASON = key(45), key(371), key(372), key(373), key(380)

# Orders
CLIENT_ID, ORIG_CLIENT_ID, ORDER_ID, EXEC_ID, EXEC_REF_ID = key(11), key(41), key(37), key(17), key(19)
EXEC_TYPE, ORDER_STATUS, ORDER_REJECT, STATUS_ID = key(150), key(39), key(103), key(790)
SYMBOL, SIDE, QUANTITY, ORDER_TYPE, PRICE = key(55), key(54), key(38), key(40), key(44)
TIF, POSITION_EFFECT = key(59), key(77)
LAST_QUANTITY, LAST_PRICE, CUM_QUANTITY, LEAVES_QUANTITY, TRANSACT_TIME = key(32), key(31), key(14), key(151), key(60)

# Market data
REQUEST_ID, SUBSCRIPTION, ENTRY_COUNT, RPT_SEQ, MD_REJECT = key(262), key(263), key(268), key(83), key(281)
ENTRY_TYPE, ENTRY_PRICE, ENTRY_SIZE, UPDATE_ACTION = key(269), key(270), key(271), key(279)
POSITION_NO, SYMBOL_COUNT, QUOTE_CONDITION = key(290), key(146), key(276)

# Positions and account
POSITION_REQUEST_ID, POSITION_REPORTS, POSITION_RESULT = key(710), key(727), key(728)
POSITION_COUNT, POSITION_TYPE, LONG_QUANTITY, SHORT_QUANTITY = key(702), key(703), key(704), key(705)
COLLATERAL_ID, COLLATERAL_STATUS, MARGIN_EXCESS, NET_VALUE = key(909), key(945), key(899), key(900)

# Message types
HEARTBEAT, TEST_REQUEST, RESEND_REQUEST, REJECT = b"0", b"1", b"2", b"3"
SEQUENCE_RESET, LOGOUT, LOGON = b"4", b"5", b"A"
ADMIN = frozenset((HEARTBEAT, TEST_REQUEST, RESEND_REQUEST, REJECT, SEQUENCE_RESET, LOGOUT, LOGON))
NEW_ORDER, CANCEL, REPLACE, STATUS_REQUEST = b"D", b"F", b"G", b"H"
EXECUTION_REPORT, CANCEL_REJECT, BUSINESS_REJECT = b"8", b"9", b"j"
MD_REQUEST, MD_SNAPSHOT, MD_INCREMENT, MD_REQUEST_REJECT = b"V", b"W", b"X", b"Y"
POSITION_REQUEST, POSITION_REQUEST_ACK, POSITION_REPORT = b"AN", b"AO", b"AP"
COLLATERAL_INQUIRY, COLLATERAL_INQUIRY_ACK, COLLATERAL_REPORT = b"BB", b"BG", b"BA"

# Never sent again on a ResendRequest but gap-filled: an order that arrives late is another order (it is in doubt and
# is queried instead), and a price that arrives late is a wrong price.
NEVER_RESENT = frozenset(
    {NEW_ORDER, CANCEL, REPLACE, STATUS_REQUEST, MD_REQUEST, MD_SNAPSHOT, MD_INCREMENT}
    | {b"E", b"s", b"t", b"u", b"q", b"AB", b"AC", b"AF"}  # lists, crosses, mass cancels, multileg orders, mass queries
)

# SessionRejectReason (373)
TAG_MISSING, TAG_EMPTY, VALUE_INCORRECT, FORMAT_INCORRECT, COMP_ID_PROBLEM, TIME_PROBLEM = 1, 4, 5, 6, 9, 10
