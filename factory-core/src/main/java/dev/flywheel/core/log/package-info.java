/** The append-only, checksummed segment log, on which predictions, feedback, aliases and audit stand. */
@NullMarked
package dev.flywheel.core.log;

import org.jspecify.annotations.NullMarked;
