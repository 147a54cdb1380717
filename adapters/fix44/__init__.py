"""FIX 4.4 over TCP: codec, session, client (`client.FixVenue`) and server (`server.FixServer`)."""
