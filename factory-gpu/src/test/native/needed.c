int flywheel_needed(void) { return 41; }
