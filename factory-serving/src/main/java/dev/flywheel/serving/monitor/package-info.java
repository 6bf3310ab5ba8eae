/** What an endpoint does, in figures: snapshots, events for JDK Flight Recorder, meters for Micrometer. */
@NullMarked
package dev.flywheel.serving.monitor;

import org.jspecify.annotations.NullMarked;
