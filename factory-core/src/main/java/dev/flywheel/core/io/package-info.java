/** Files that survive a crash, and the JSON inside them. */
@NullMarked
package dev.flywheel.core.io;

import org.jspecify.annotations.NullMarked;
