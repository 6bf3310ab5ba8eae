/**
 * Watching a version at work: what its inputs, predictions and outcomes were like when it was made, window by window
 * what they are like now, and what has changed beyond chance. Time and numbers are handed in, and nothing here runs by
 * itself.
 */
@NullMarked
package dev.flywheel.pipeline.watch;

import org.jspecify.annotations.NullMarked;
