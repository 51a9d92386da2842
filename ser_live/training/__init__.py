"""Training, from labelled recordings to a model folder; offline only.

``augmentation`` varies a recording, ``examples`` passes it through the live path's
own segmenter and features, ``recipe`` fits, ``export`` writes the model folder.
"""
