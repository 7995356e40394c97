"""Training inside the page."""

import streamlit as st


def show() -> None:
    """Show the training that runs in the browser."""
    st.subheader("Train in this page", anchor=False)
