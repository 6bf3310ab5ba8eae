/** Where examples come from. */
@NullMarked
package dev.flywheel.pipeline.source;

import org.jspecify.annotations.NullMarked;
