int flywheel_needed(void);

int flywheel_needing(void) { return flywheel_needed() + 1; }
