"""One stream from audio blocks to results; no thread, no clock of its own, no file.

`SegmentingStage` turns native audio blocks into events and utterances, `AnalysisStage` turns
utterances into results. `Analyzer` is both, for the caller's own thread; a live session runs
them in two threads. `drive` plays a source into either. So the same samples give the same
results from a microphone, from replay at any speed and from batch analysis.
"""
