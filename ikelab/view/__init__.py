"""A trace or a dissection made visible: pictures, pages, text and a widget; reads values, calls no engine verbs."""
