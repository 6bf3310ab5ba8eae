/** Which of several loaded versions answers a request: canaries, splits by weight, bandits. */
@NullMarked
package dev.flywheel.serving.route;

import org.jspecify.annotations.NullMarked;
