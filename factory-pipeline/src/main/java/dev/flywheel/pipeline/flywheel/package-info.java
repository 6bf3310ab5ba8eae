/** Triggers, the feedback join and promotion. */
@NullMarked
package dev.flywheel.pipeline.flywheel;

import org.jspecify.annotations.NullMarked;
