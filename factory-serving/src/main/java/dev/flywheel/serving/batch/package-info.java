/** How requests of many callers share the runs of an engine. */
@NullMarked
package dev.flywheel.serving.batch;

import org.jspecify.annotations.NullMarked;
