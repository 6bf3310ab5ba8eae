/** Rules that rows must satisfy, and the quarantine for those that do not. */
@NullMarked
package dev.flywheel.pipeline.check;

import org.jspecify.annotations.NullMarked;
