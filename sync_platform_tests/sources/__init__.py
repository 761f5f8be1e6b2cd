"""Tests of fetching: client, pace, paging, periods and values, without a socket."""
