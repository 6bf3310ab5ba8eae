/** Live, thread-safe serving of a model. */
@NullMarked
package dev.flywheel.serving;

import org.jspecify.annotations.NullMarked;
