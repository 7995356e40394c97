"""The list of lessons."""

import streamlit as st


def show() -> None:
    """Show the lessons to choose from."""
    st.subheader("Lessons", anchor=False)
