/** Attempts to break the endpoint: everything at once, at random, with every answer checked by its content. */
@NullMarked
package dev.flywheel.serving.stress;

import org.jspecify.annotations.NullMarked;
