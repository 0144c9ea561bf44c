//! One connection, whichever protocol it speaks.
